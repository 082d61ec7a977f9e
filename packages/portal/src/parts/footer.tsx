/** The foot of every page: what this is, and where programs and experts find more. */
import type { VNode } from "preact";
import { useShell } from "../shell.ts";

export function Footer(): VNode {
  const { words } = useShell();
  return (
    <footer class="site-footer">
      <div class="wide site-footer__row">
        <p>{words.footer.about}</p>
        <ul>
          <li>
            <a href="/docs">{words.footer.interface}</a>
          </li>
          <li>
            <a href="/log/checkpoint">{words.footer.checkpoint}</a>
          </li>
        </ul>
      </div>
    </footer>
  );
}
