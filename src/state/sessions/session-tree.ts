/**
 * The messages of a session as a tree: a question that was changed and an answer that was asked for again stand beside
 * what they replaced. One path through it, from the first message to the head, is the conversation.
 */

/** What a tree needs to know of a message. */
export interface TreeNode {
	/** Unique in its session; later messages have larger ones. */
	readonly id: number;
	/** The message that this one follows; null for a first one. */
	readonly parent: number | null;
}

/** The messages from the first one to `head`, in order; empty for null. */
export function pathTo<Node extends TreeNode>(nodes: readonly Node[], head: number | null): Node[] {
	const byId = new Map(nodes.map((node) => [node.id, node]));
	const path: Node[] = [];
	for (let at = head; at !== null; ) {
		const node = byId.get(at);
		if (node === undefined) break;
		path.push(node);
		// A parent is always older, so this ends, whatever a file says.
		at = node.parent !== null && node.parent < node.id ? node.parent : null;
	}
	return path.reverse();
}

/** The messages that follow `parent`, the oldest first. */
export function childrenOf<Node extends TreeNode>(nodes: readonly Node[], parent: number | null): Node[] {
	return nodes.filter((node) => node.parent === parent);
}

/** The newest message that `head` leads to, itself included. */
export function newestBelow<Node extends TreeNode>(
	nodes: readonly Node[],
	head: number | null,
): Node | undefined {
	const reached = new Set<number | null>([head]);
	let newest: Node | undefined;
	// Parents stand before their children.
	for (const node of nodes) {
		if (node.id !== head && !reached.has(node.parent)) continue;
		reached.add(node.id);
		newest = node;
	}
	return newest;
}
