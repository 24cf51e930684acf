/** The client of Redis, loaded only by those who connect to one. */
import ioredis from "ioredis";

export const { Redis: RedisClient } = ioredis;
