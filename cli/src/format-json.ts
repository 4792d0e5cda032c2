const RAW_CONTROL = /[\u007f-\u009f]/g;

/** A value as indented JSON with a final line break. Escapes control characters that JSON allows but a terminal would interpret. */
export function formatJson(value: unknown): string {
  const escaped = (control: string) => `\\u00${control.charCodeAt(0).toString(16)}`;
  return `${JSON.stringify(value, null, 2).replace(RAW_CONTROL, escaped)}\n`;
}
