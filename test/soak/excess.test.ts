import { meetExcess } from "../faults/excess.ts";
import { wires } from "../faults/wires.ts";

meetExcess(wires);
