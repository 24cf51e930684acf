import { Box, Text, useCursor } from "ink";
import { useInsertionEffect, useSyncExternalStore } from "react";
import type { Colors } from "../terminal/colors.ts";
import { layOutFrame } from "./frame.ts";
import type { ScreenStore } from "./state.ts";

export interface ChatAppProps {
	readonly store: ScreenStore;
	readonly colors: Colors;
	/** Hears of every frame just before it is drawn. */
	readonly onFrame?: (() => void) | undefined;
}

/** The live region: what stands below the printed lines and is drawn again and again. */
export function ChatApp({ store, colors, onFrame }: ChatAppProps) {
	const state = useSyncExternalStore(store.subscribe, store.snapshot);
	const frame = layOutFrame(state, colors);
	const { setCursorPosition } = useCursor();
	setCursorPosition(frame.cursor);
	// Ink draws right after the insertion effects.
	useInsertionEffect(() => {
		onFrame?.();
	});
	return (
		<>
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
