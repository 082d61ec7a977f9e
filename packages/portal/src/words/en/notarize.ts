/** English words of the page `notarize`. */
export const words = {
  title: "Notarize",
};
