/** The tabs that GraphiQL opens with: enough to read, to sign in, and to see something live. */
export const exampleTabs: readonly { readonly query: string; readonly variables?: string; readonly headers?: string }[] = [
  {
    query: `# Ctrl-Enter runs the query under the cursor.
query Entries {
  entries(first: 10, filter: { category: "technical" }) {
    edges { node { id title author { username } } }
  }
}
`,
  },
];
