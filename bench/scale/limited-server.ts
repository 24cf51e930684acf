/** A simulator that lets 50 requests a second through and refuses the others; prints its port. For benches only. */
import { startSimulator } from "../../src/simulator/server.ts";

const [port = "0", latency = "300"] = process.argv.slice(2);
const simulator = await startSimulator({
	port: Number(port),
	latency: { medianMs: Number(latency), p95Ms: 2 * Number(latency) },
	limits: { requestsPerMinute: 3_000, burstSeconds: 1, initialFill: 0 },
	dialect: "none",
	logSize: 0,
});
process.stdout.write(`${simulator.port}\n`);
