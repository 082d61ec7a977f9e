/** The portal's own drawings. They say nothing that words beside them do not say, so screen readers skip them. */
import type { VNode } from "preact";

export type IconName =
  | "check"
  | "cross"
  | "question"
  | "warning"
  | "info"
  | "replaced"
  | "file"
  | "chevron"
  | "seal"
  | "dash"
  | "lock";

/** Each is drawn on 24 by 24 in the colour of the text around it. */
const shapes: Readonly<Record<IconName, VNode>> = {
  check: <path d="M9.2 16.6 4.9 12.3l-1.5 1.5 5.8 5.8L21 7.8l-1.5-1.5z" />,
  cross: <path d="m6.4 5-1.4 1.4 5.6 5.6L5 17.6 6.4 19l5.6-5.6 5.6 5.6 1.4-1.4-5.6-5.6L19 6.4 17.6 5 12 10.6z" />,
  question: (
    <path d="M11 18h2.2v2.2H11zm1.1-14C9 4 6.9 5.9 6.8 8.6H9c.1-1.5 1.2-2.5 3-2.5 1.7 0 2.9.9 2.9 2.3 0 1.2-.7 1.9-2 2.7-1.5.9-2 1.7-1.9 3.3v1.5h2.2v-1.2c0-1 .3-1.5 1.7-2.3 1.4-.9 2.3-2 2.3-3.9C17.2 5.8 15.1 4 12.1 4z" />
  ),
  warning: <path d="M12 3 1.5 21h21zm1 15h-2v-2h2zm0-4h-2V9.5h2z" />,
  info: <path d="M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm1 15h-2v-6h2zm0-8h-2V7h2z" />,
  replaced: <path d="M12 5V1.5L7 6.5l5 5V7a5.5 5.5 0 1 1-5.5 5.5h-2A7.5 7.5 0 1 0 12 5z" />,
  file: <path d="M6 2h8l5 5v15H5V3a1 1 0 0 1 1-1zm7 1.5V8h4.5zM8 12v1.5h8V12zm0 3.5V17h8v-1.5z" />,
  lock: <path d="M12 2a5 5 0 0 0-5 5v3H5v12h14V10h-2V7a5 5 0 0 0-5-5zm-3 8V7a3 3 0 1 1 6 0v3z" />,
  dash: <path d="M5 11h14v2H5z" />,
  chevron: <path d="M7.4 8.6 12 13.2l4.6-4.6L18 10l-6 6-6-6z" />,
  seal: (
    <path d="M12 1 3 5v6.5c0 5.2 3.8 9.9 9 11.5 5.2-1.6 9-6.3 9-11.5V5zm-1.4 15.2-4-4L8 10.8l2.6 2.6 5.6-5.6 1.4 1.4z" />
  ),
};

export function Icon({ name, size = 24 }: { readonly name: IconName; readonly size?: number }): VNode {
  return (
    <svg class="icon" viewBox="0 0 24 24" width={size} height={size} fill="currentColor" aria-hidden="true">
      {shapes[name]}
    </svg>
  );
}
