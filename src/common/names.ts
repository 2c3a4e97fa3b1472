/** Names in double quotes, as SQL writes them everywhere: here and in the kernel. */
export const quotedName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
