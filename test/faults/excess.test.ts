import { meetExcess } from "./excess.ts";

// The limits are those of all bodies and streams: one wire shows them here (ask.test.ts another), test/soak all.
meetExcess(["anthropic"]);
