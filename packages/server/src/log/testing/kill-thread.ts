/** The thread that writes the log of `kill-child.ts`. */
import "./kill-steps.ts";
import "../sqlite-writer-thread.ts";
