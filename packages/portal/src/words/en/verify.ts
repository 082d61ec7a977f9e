/** English words of the verify page. */
export const words = {
  title: "Verify a file",
};
