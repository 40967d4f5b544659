/** Small pictures, drawn in the current colour; they say nothing that words beside them do not say. */

import type { ReactNode } from "react";

function Icon(props: { children: ReactNode; size?: number }): ReactNode {
  const { children, size = 24 } = props;
  return (
    <svg
      className="hf-icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.75"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

export function RidgeMark(): ReactNode {
  return (
    <Icon size={32}>
      <path d="M2 19 8.5 8l4 6.2L15.5 9 22 19" />
      <path d="M2 19h20" />
      <circle cx="17.5" cy="5" r="1.6" fill="currentColor" stroke="none" />
    </Icon>
  );
}

export function MicIcon({ off = false, size = 32 }: { off?: boolean; size?: number }): ReactNode {
  return (
    <Icon size={size}>
      <rect x="9" y="3" width="6" height="11" rx="3" />
      <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3M8.5 21h7" />
      {off && <path d="M4 4l16 16" />}
    </Icon>
  );
}

export function SquareIcon(): ReactNode {
  return (
    <Icon>
      <rect x="6.5" y="6.5" width="11" height="11" rx="2" fill="currentColor" stroke="none" />
    </Icon>
  );
}

export function LeaveIcon(): ReactNode {
  return (
    <Icon>
      <path d="M14 4h4a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-4M10 8l-4 4 4 4M6 12h9" />
    </Icon>
  );
}

export function SendIcon(): ReactNode {
  return (
    <Icon>
      <path d="M5 12h14M13 6l6 6-6 6" />
    </Icon>
  );
}
