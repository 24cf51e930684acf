import { ConfigError } from "../errors.ts";
import type { WireFormat } from "../parameters/table.ts";
import { defineRow, onResponses, type ProviderRow } from "./provider-row.ts";
import { everything, providers } from "./registry.ts";

/** What a user writes about a provider of their own in the config file. */
export interface ProviderDefinition {
	readonly base_url?: string | undefined;
	/** Several servers instead, each a base URL, or one with the variable of a key that only it is sent. */
	readonly base_urls?: readonly (string | { readonly url: string; readonly key_env?: string | undefined })[];
	/** Name of the variable that holds the key. */
	readonly key_env?: string | undefined;
	readonly label?: string | undefined;
	/** Defaults to true when `key_env` is given. */
	readonly key_required?: boolean | undefined;
	/** A server of the user's own that charges nothing. */
	readonly local?: boolean | undefined;
	readonly default_model?: string | undefined;
	/** It charges nothing, though it is not a server of the user's own. */
	readonly free?: boolean | undefined;
	/** What its answers say of their cost is the price: `usage.cost`, or the header of a LiteLLM proxy. */
	readonly reports_cost?: boolean | undefined;
	/** The language that it speaks. Default `openai`. */
	readonly wire?: WireFormat | undefined;
	/** Headers of every request to it, and to no other origin; `$NAME` in a value stands for a variable. */
	readonly headers?: Readonly<Record<string, string>> | undefined;
	/** How a JSON Schema is asked for: in a field of its own, or in the prompt. */
	readonly schema_form?: ProviderRow["schemaForm"] | undefined;
	readonly max_tokens_field?: ProviderRow["maxTokensField"] | undefined;
	/** What its models take besides text. */
	readonly takes?: ProviderRow["takes"] | undefined;
	/** It has a copy of this batch API at its base URL. */
	readonly jobs?: "openai" | undefined;
}

/**
 * Makes a row from the config file's `providers.<id>`. With the id of a built-in
 * provider it changes that row's address and key variable and keeps the rest.
 * @throws ConfigError for an id that cannot stand before a slash
 */
export function defineProvider(id: string, definition: ProviderDefinition): ProviderRow {
	if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(id))
		throw new ConfigError(`provider id "${id.slice(0, 64)}" must be lower-case letters, digits, "_" or "-"`);
	const keyEnv = definition.key_env === undefined ? [] : [definition.key_env];
	const known: ProviderRow | undefined = Object.hasOwn(providers, id)
		? providers[id as keyof typeof providers]
		: undefined;
	const servers = (definition.base_urls ?? []).map((server) =>
		typeof server === "string" ? { baseUrl: server } : { baseUrl: server.url, keyEnv: server.key_env },
	);
	const baseUrl = definition.base_url ?? servers[0]?.baseUrl ?? "";
	const base =
		known ??
		defineRow({
			id,
			label: id,
			baseUrl,
			keyRequired: keyEnv.length > 0,
			maxTokensField: "by-model",
			takes: everything,
			fetchesImages: false,
		});
	const row: ProviderRow = {
		...base,
		label: definition.label ?? base.label,
		baseUrl,
		servers,
		keyEnv: [...keyEnv, ...base.keyEnv],
		keyRequired: definition.key_required ?? base.keyRequired,
		local: definition.local ?? base.local,
		free: definition.free ?? base.free,
		reportsCost: definition.reports_cost ?? base.reportsCost,
		jobs: definition.jobs ?? base.jobs,
		defaultModel: definition.default_model ?? base.defaultModel,
		headers: { ...base.headers, ...definition.headers },
	};
	const { wire, schema_form: schemaForm, max_tokens_field: maxTokensField, takes } = definition;
	return withForm(row, { wire, schemaForm, maxTokensField, takes });
}

/** What a server takes and gives in another form than its provider's row says. */
export interface ProviderForm {
	readonly wire?: WireFormat | undefined;
	readonly schemaForm?: ProviderRow["schemaForm"] | undefined;
	readonly maxTokensField?: ProviderRow["maxTokensField"] | undefined;
	readonly takes?: ProviderRow["takes"] | undefined;
}

/** A row with its forms replaced by those that the user names. */
export function withForm(
	row: ProviderRow,
	{ wire, schemaForm, maxTokensField, takes }: ProviderForm,
): ProviderRow {
	const onWire: Partial<ProviderRow> =
		wire === undefined || wire === row.wire ? {} : { wire, ...wireDefaults(wire) };
	const formed: ProviderRow = {
		...row,
		...onWire,
		// Whoever names a wire means it for every model.
		responsesModels: wire === undefined ? row.responsesModels : null,
		schemaForm: schemaForm ?? row.schemaForm,
		maxTokensField: maxTokensField ?? row.maxTokensField,
		takes: takes ?? onWire.takes ?? row.takes,
	};
	return wire === "responses" ? onResponses(formed) : formed;
}

/** What a server on another wire has in common with the provider whose wire it is. */
function wireDefaults(wire: WireFormat): Partial<ProviderRow> {
	if (wire === "openai" || wire === "responses") return { rateHeaders: "openai", refuses: [] };
	const { rateHeaders, refuses, takes } = providers[wire];
	return { rateHeaders, refuses, takes };
}
