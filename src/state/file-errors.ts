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
		case "EIO":
			return "the disk reports an I/O error";
		default:
			return message;
	}
}
