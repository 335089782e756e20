import { graphql } from '../../gql/gql.js';

/** An entry as it is edited, also where another has changed it meanwhile. */
export const EditedEntry = graphql(`
  fragment EditedEntry on Entry {
    id
    slug
    version
    title
    content
    tags
    isPublic
    viewerCanEdit
    category {
      id
      slug
      name
    }
  }
`);

export const EntryToEdit = graphql(`
  query EntryToEdit($slug: String!) {
    entry(by: { slug: $slug }) {
      ...EditedEntry
    }
  }
`);

export const EntryNow = graphql(`
  query EntryNow($id: ID!) {
    entry(by: { id: $id }) {
      ...EditedEntry
    }
  }
`);

export const EditorCategories = graphql(`
  query EditorCategories {
    categories {
      id
      slug
      name
    }
  }
`);

export const PreviewMarkdown = graphql(`
  query PreviewMarkdown($text: String!) {
    markdownPreview(text: $text)
  }
`);

export const WriteEntry = graphql(`
  mutation WriteEntry($input: CreateEntryInput!) {
    createEntry(input: $input) {
      entry {
        ...EditedEntry
        contentHtml
        updatedAt
      }
    }
  }
`);

export const ChangeEntry = graphql(`
  mutation ChangeEntry($input: UpdateEntryInput!) {
    updateEntry(input: $input) {
      entry {
        ...EditedEntry
        contentHtml
        updatedAt
      }
      formerCategory {
        id
        entryCount
      }
    }
  }
`);

export const operations = [EntryToEdit, EntryNow, EditorCategories, PreviewMarkdown, WriteEntry, ChangeEntry] as const;
