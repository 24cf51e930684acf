/** What a chat begins with, and what it is asked. */

import type { CacheMode } from "../options.ts";
import type { Parameters } from "../parameters/table.ts";
import type { OpenSession } from "../state/sessions/sessions.ts";
import type { Attachment } from "./content.ts";
import type { ChatHost } from "./host.ts";
import type { ChatView } from "./view.ts";

export interface ChatOptions {
	readonly host: ChatHost;
	readonly view: ChatView;
	readonly session: OpenSession;
	readonly model: string;
	readonly system?: string | undefined;
	readonly parameters?: Parameters | undefined;
	readonly cache?: CacheMode | undefined;
}

/** A question and what goes with it. */
export interface AskedQuestion {
	readonly text: string;
	readonly attachments: readonly Attachment[];
}

export interface PlannedQuestion extends AskedQuestion {
	/** The turn takes its place behind so many others; with `isRetry` as another answer to the question there. */
	readonly position: number;
	readonly isRetry: boolean;
	readonly cache: CacheMode;
}
