/** The portal's help page: the assistant as a customer of this portal, over a gateway of another origin. */

import { FinancialSherpa } from "@holdfast/react";
import "@holdfast/react/sherpa.css";
import "./portal.css";
import { createRoot } from "react-dom/client";

interface Me {
  readonly customer: { readonly id: string; readonly name: string };
  readonly voice: string;
}

const { customer, voice } = (await (await fetch("/me")).json()) as Me;
document.getElementById("who")!.textContent = customer.name;

const portal = { ticketUrl: "/voice-ticket", customer, greeting: "Ask about your contract, or just start talking." };
createRoot(document.getElementById("help")!).render(<FinancialSherpa base={voice} portal={portal} />);
