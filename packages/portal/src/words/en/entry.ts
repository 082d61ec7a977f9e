/** English words of the page `entry`. */
export const words = {
  title: "Entry",
};
