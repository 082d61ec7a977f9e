/** English words of the page `status`. */
export const words = {
  title: "Status",
};
