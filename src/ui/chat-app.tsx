import { Box, Static, Text, useCursor } from "ink";
import { useInsertionEffect, useSyncExternalStore } from "react";
import type { Colors } from "../terminal/colors.ts";
import { type Frame, layOutFrame } from "./frame.ts";
import type { ScreenStore } from "./state.ts";

export interface ChatAppProps {
	readonly store: ScreenStore;
	readonly colors: Colors;
	/** Hears of every frame just before it is drawn, and of how many items are printed with it. */
	readonly onFrame?: ((frame: Frame, items: number) => void) | undefined;
}

/**
 * Printed lines are laid out already. Ink would break those that are wider than the terminal with newlines, which then
 * are in what is copied; under a name that it does not know it leaves them to the terminal.
 */
const asItIs = "as it is" as "hard";

/** The screen: the transcript, printed once, and below it the live region. */
export function ChatApp({ store, colors, onFrame }: ChatAppProps) {
	const state = useSyncExternalStore(store.subscribe, store.snapshot);
	const frame = layOutFrame(state, colors);
	const { setCursorPosition } = useCursor();
	setCursorPosition(frame.cursor);
	// Ink draws right after the insertion effects.
	useInsertionEffect(() => {
		onFrame?.(frame, state.items.length);
	});
	return (
		<>
			<Static items={state.items as (typeof state.items)[number][]}>
				{({ id, text }) => (
					<Text key={id} wrap={asItIs}>
						{text}
					</Text>
				)}
			</Static>
			<Lines lines={frame.above} />
			<Lines lines={frame.input} />
			<Lines lines={frame.below} />
		</>
	);
}

/** Lines that are laid out already: none is wider than the terminal. */
function Lines({ lines }: { readonly lines: readonly string[] }) {
	if (lines.length === 0) return null;
	return (
		<Box flexDirection="column">
			<Text wrap="truncate">{lines.map((line) => (line === "" ? " " : line)).join("\n")}</Text>
		</Box>
	);
}
