import { randomBytes } from "node:crypto";
import { LlmxError, UsageError } from "../errors.ts";
import { type RedisConnection, RedisFailure } from "./connection.ts";
import { Lease, type LeaseClaim, nano } from "./lease.ts";
import type { DeadLease, LeaseFile } from "./lease-file.ts";
import type { RequestCounts } from "./request-counts.ts";
import { settleScript, stopScript } from "./scripts.ts";
import { SharedPace } from "./shared-pace.ts";
import {
	holderText,
	keptSeconds,
	type ShardPart,
	type SharedCap,
	type SharedStop,
	type SyncMessage,
	type SyncReply,
	sync,
} from "./sync.ts";
import { runKeys, type ShardView } from "./view.ts";

/** A shard says so often that it lives, in ms; in a crowd less often, so that all of them cost Redis the same. */
const beatMs = 1_000;
const beatMsPerShard = 10;
/** While requests are refused it does so in this part of that time, so that all of them hear of it. */
const alertPart = 1 / 8;
/** One that is silent for so many beats is gone. */
const beatsToLive = 4.5;
/** A stop holds for those that start later too, such as the next tasks of an array, for so many ms. */
const stopHoldsMs = 10 * 60_000;
/** How often it is looked whether there is something to say. */
const tickMs = 20;

export interface SharedRunOptions {
	readonly connection: RedisConnection;
	/** What all shards of the run call it. */
	readonly name: string;
	readonly member: string;
	/** There may be one shard of this name at a time; empty: any number. */
	readonly label: string;
	readonly caps: readonly SharedCap[];
	/** What a killed run of the same shard left. */
	readonly dead?: DeadLease | undefined;
	/** Opens the file that says what this shard may have spent, once nobody needs that of the dead one any more. */
	readonly file?: (() => LeaseFile | undefined) | undefined;
	/** Of this shard. */
	readonly requests: RequestCounts;
	/** What there is to tell of the shard at this moment. */
	readonly view: () => ShardView;
	/** Monotonic ms. */
	readonly now: () => number;
	readonly onPart: (part: ShardPart) => void;
	readonly onStop: (stop: SharedStop) => void;
	/** Another process runs this shard. */
	readonly onTaken: (by: string) => void;
	/** Redis is away, for whatever reason is given; undefined: it is back, after so many ms. */
	readonly onAway: (reason: string | undefined, ms: number) => void;
}

/** A name for a process in Redis that no other has. */
export function newMember(): string {
	return randomBytes(9).toString("base64url");
}

/**
 * One of several processes that share money, limits and stops. It goes on by itself while Redis is away, with what money
 * it has and the part of the limits that it had.
 */
export class SharedRun {
	readonly lease: Lease;
	readonly #options: SharedRunOptions;
	readonly #keys: ReturnType<typeof runKeys>;
	readonly #timer: NodeJS.Timeout;
	#seq = 0;
	#committed: readonly number[];
	#part: ShardPart | undefined;
	readonly #pace = new SharedPace();
	#saidAt = Number.NEGATIVE_INFINITY;
	#isScarce = false;
	#nextBeatAt = 0;
	#syncing: Promise<void> | undefined;
	#awaySince: number | undefined;
	#stopped = false;
	#closed = false;

	private constructor(options: SharedRunOptions) {
		this.#options = options;
		this.#keys = runKeys(options.name);
		this.#committed = options.caps.map(() => 0);
		this.lease = new Lease({ now: options.now, onShort: () => this.#tick() });
		this.#timer = setInterval(() => this.#tick(), tickMs);
		this.#timer.unref();
	}

	/**
	 * Joins the shards of a run. Waits until a shard of the same label, if it shows no life, counts as gone, and until
	 * the others have made room.
	 * @throws UsageError when such a shard lives; RedisFailure when Redis is away
	 */
	static async join(options: SharedRunOptions): Promise<SharedRun> {
		const run = new SharedRun(options);
		try {
			await run.#join();
			return run;
		} catch (error) {
			run.abandon();
			throw error;
		}
	}

	/** USD that all shards have spent and set aside, of every cap, as last heard. */
	get committedUsd(): readonly number[] {
		return this.#committed.map((amount) => amount / nano);
	}

	get part(): ShardPart {
		return this.#part ?? { living: 1, rank: 0 };
	}

	/** Redis does not answer. */
	get isAway(): boolean {
		return this.#awaySince !== undefined;
	}

	/** Stops all shards, unless they are stopped already. Does nothing when Redis is away. */
	async stopAll(stop: SharedStop): Promise<void> {
		const { connection } = this.#options;
		const args = [JSON.stringify(stop), stopHoldsMs, keptSeconds];
		await connection.run(stopScript, [this.#keys.run], () => args).catch(ignoreFailure);
	}

	/** Gives back what is left and leaves. What Redis could not be told, the lease's file still says. */
	async leave(): Promise<void> {
		this.abandon();
		await this.#syncing;
		const claim = this.lease.claim({ isLast: true });
		try {
			await this.#send(claim, { view: this.#options.view(), livesMs: 0, label: "" });
			this.lease.file?.remove();
		} catch (error) {
			ignoreFailure(error);
		}
	}

	/** Leaves without a word. */
	abandon(): void {
		clearInterval(this.#timer);
		this.#closed = true;
	}

	async #join(): Promise<void> {
		const { connection, dead, label, now } = this.#options;
		if (dead !== undefined) {
			const { members, purse } = this.#keys;
			const { member, budgets, most } = dead;
			await connection.run(settleScript, [members, purse, ...budgets], () => [member, most]);
		}
		const until = now() + this.#livesMs + beatMs;
		let reply = await this.#beat();
		while (reply.state === "taken" && now() < until) {
			await sleep(beatMs / 4);
			reply = await this.#beat();
		}
		if (reply.state === "taken")
			throw new UsageError(`${label} runs already, ${holderText(reply.holder)}`, {
				hint: "stop that one first, or give this run another --share-as",
			});
		this.lease.file = this.#options.file?.();
		// The others hear of this one with their next beat, and make room.
		if (reply.part.living > 1) await sleep(this.#beatMs);
	}

	get #beatMs(): number {
		return Math.max(beatMs, beatMsPerShard * this.part.living);
	}

	get #livesMs(): number {
		return beatsToLive * this.#beatMs;
	}

	#tick(): void {
		if (this.#closed || this.#syncing !== undefined) return;
		const now = this.#options.now();
		const isBeat = now >= this.#nextBeatAt || this.#isAlert(now);
		if (!isBeat && (this.isAway || !this.#asksForMoney())) return;
		this.#syncing = (isBeat ? this.#beat() : this.#sync()).then(
			() => this.#heard(),
			(error) => this.#missed(error),
		);
	}

	#isAlert(now: number): boolean {
		const { requests } = this.#options;
		return (
			!this.isAway &&
			this.#pace.isAlert(requests.refusals, now) &&
			now >= this.#saidAt + alertPart * this.#beatMs
		);
	}

	#asksForMoney(): boolean {
		return this.#options.caps.some(({ usd }) => usd !== undefined) && this.lease.isLow;
	}

	#heard(): void {
		this.#syncing = undefined;
		if (this.#awaySince === undefined) return;
		this.#options.onAway(undefined, this.#options.now() - this.#awaySince);
		this.#awaySince = undefined;
	}

	#missed(error: unknown): void {
		this.#syncing = undefined;
		if (!(error instanceof LlmxError)) throw error;
		const now = this.#options.now();
		// Soon again: after a restart every shard has to be heard before anything is granted.
		this.#nextBeatAt = Math.min(this.#nextBeatAt, now + beatMs / 4);
		if (this.#awaySince !== undefined) return;
		this.#awaySince = now;
		this.#options.onAway(error.message, 0);
	}

	/** Says that it lives and how it stands. */
	async #beat(): Promise<SyncReply> {
		this.#saidAt = this.#options.now();
		this.#nextBeatAt = this.#saidAt + this.#beatMs;
		return this.#sync(this.#options.view());
	}

	/** @throws RedisFailure */
	async #sync(view?: ShardView): Promise<SyncReply> {
		const { label, onStop, onTaken } = this.#options;
		const claim = this.lease.claim({ isScarce: this.#isScarce });
		const livesMs = this.#livesMs;
		const validUntil = this.#options.now() + livesMs;
		const reply = await this.#send(claim, { view, livesMs, label });
		const isMember = this.#part !== undefined;
		if (reply.state === "taken") {
			if (isMember && !this.#stopped) onTaken(holderText(reply.holder));
			this.#stopped ||= isMember;
			return reply;
		}
		this.lease.take(reply.granted, reply.state, claim, validUntil);
		this.#isScarce = reply.isScarce;
		this.#committed = reply.committed;
		if (view !== undefined) this.#divide(reply);
		if (reply.stop !== "" && !this.#stopped) {
			this.#stopped = true;
			onStop(JSON.parse(reply.stop) as SharedStop);
		}
		return reply;
	}

	#divide({ part, counts, found }: SyncReply): void {
		const now = this.#options.now();
		if (this.#pace.hear({ rank: part.rank, counts, found }, now)) this.#nextBeatAt = now;
		const { perSecond } = this.#pace;
		const foundPerMinute = perSecond === undefined ? undefined : perSecond * 60;
		const before = this.#part;
		if (
			before?.living === part.living &&
			before.rank === part.rank &&
			before.foundPerMinute === foundPerMinute
		)
			return;
		this.#part = { ...part, foundPerMinute };
		this.#options.onPart(this.#part);
	}

	async #send(claim: LeaseClaim, about: Pick<SyncMessage, "view" | "livesMs" | "label">): Promise<SyncReply> {
		const { connection, name, member, dead, caps } = this.#options;
		this.#seq += 1;
		const heir = dead?.member ?? "";
		const committed = this.#committed;
		const { counts } = this.#options.requests;
		const found = this.#pace.toTell;
		return sync(connection, {
			counts,
			found,
			name,
			member,
			heir,
			caps,
			seq: this.#seq,
			claim,
			committed,
			...about,
		});
	}
}

function ignoreFailure(error: unknown): void {
	if (!(error instanceof RedisFailure)) throw error;
}

function sleep(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
