/** English words of the page `search`. */
export const words = {
  title: "Search",
};
