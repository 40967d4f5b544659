/**
 * What stands behind a plot, as a file for a spreadsheet.
 *
 * What lives here: RFC 4180, and what keeps a spreadsheet from taking text for a formula.
 * What never will: which columns there are.
 */

export type Cell = string | number | null | undefined;

/** Rows of cells, the first one the names of the columns. */
export function csv(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => row.map(field).join(",")).join("\r\n") + "\r\n";
}

function field(cell: Cell): string {
  if (cell == null) return "";
  if (typeof cell === "number") return String(cell);
  // A sentence that begins like a formula would be carried out by some spreadsheets.
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
