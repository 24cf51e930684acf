/** What is wrong with a file, in words for people: `disk full`, `no such file`, … */
export function describeFileError(error: unknown): string {
	const { code, message } = error as NodeJS.ErrnoException;
	switch (code) {
		case "ENOENT":
			return "no such file or folder";
		case "EACCES":
		case "EPERM":
			return "permission denied";
		case "ENOSPC":
		case "EDQUOT":
			return "the disk is full";
		case "EROFS":
			return "the file system is read-only";
		case "EISDIR":
			return "it is a folder";
		case "ENOTDIR":
			return "a part of the path is not a folder";
		case "EEXIST":
			return "it already exists";
		case "EMFILE":
		case "ENFILE":
			return "too many files are open";
		case "EIO":
			return "the disk reports an I/O error";
		default:
			return message;
	}
}

/** What to do before the same is tried again, to be followed by that; empty when the error does not tell. */
export function remedyFor(error: unknown): string {
	switch ((error as NodeJS.ErrnoException).code) {
		case "ENOSPC":
		case "EDQUOT":
			return "free some space and ";
		case "EMFILE":
		case "ENFILE":
			return "raise the limit of open files (ulimit -n 1024) and ";
		default:
			return "";
	}
}
