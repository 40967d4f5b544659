/**
 * The page: its top, its banners, and the view that the address names.
 *
 * What lives here: which view is shown. What never will: views.
 */

import { useEffect, useRef, type JSX } from "react";
import type { Route } from "../model/route";
import { Banners, Bar, Facts } from "./Bar";
import { CostPage } from "./Cost";
import { FaultsPage } from "./Faults";
import { useRoute, useTold } from "./hooks";
import { LatencyPage } from "./Latency";
import { SessionPage } from "./Session";
import { Sessions } from "./Sessions";
import { SetupPage } from "./Setup";
import { Door } from "./SignIn";

function View({ route }: { readonly route: Route }): JSX.Element {
  switch (route.view) {
    case "session":
      return <SessionPage key={route.id} id={route.id} />;
    case "latency":
      return <LatencyPage />;
    case "faults":
      return <FaultsPage />;
    case "cost":
      return <CostPage />;
    case "setup":
      return <SetupPage />;
    case "sessions":
      return <Sessions />;
  }
}

export function App(): JSX.Element {
  const route = useRoute();
  const wantsKey = useTold((state) => state.me !== undefined && !state.me.signedIn);
  const main = useRef<HTMLElement>(null);
  const where = route.view === "session" ? route.id : route.view;
  const before = useRef(where);
  useEffect(() => {
    // Who follows a link with the keyboard or a screen reader goes on in the new view.
    if (before.current !== where) main.current?.focus();
    before.current = where;
  }, [where]);
  return (
    <div className="c-app" data-view={route.view}>
      <button type="button" className="c-skip c-button" onClick={() => main.current?.focus()}>
        Skip to what is shown
      </button>
      <Bar />
      <section aria-label="The gateway">
        <Banners />
        {!wantsKey && <Facts />}
      </section>
      <main className="c-main" ref={main} tabIndex={-1}>
        {wantsKey ? <Door /> : <View route={route} />}
      </main>
    </div>
  );
}
