/** The name somebody is mentioned by: from left to right wherever it stands, so that the `@` keeps its place. */
export const Handle = ({ of, className }: { readonly of: string; readonly className?: string | undefined }) => (
  <span dir="ltr" className={className}>
    @{of}
  </span>
);
