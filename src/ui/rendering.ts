/** What renders answers: a lexer and code grammars that no first frame needs, so they are loaded behind it. */

export { renderColumns } from "../terminal/columns.ts";
export { createMarkdownStream, renderMarkdown } from "../terminal/markdown/markdown.ts";
