import type { CodegenConfig } from '@graphql-codegen/cli';

/** Typed documents for the operations of the tests; a frontend's own configuration looks the same, with its own folders. */
const config = {
  schema: 'schema.graphql',
  documents: ['tests/clients/operations.ts'],
  importExtension: '.js',
  generates: {
    'tests/generated/': {
      preset: 'client',
      config: {
        // As JSON carries them.
        scalars: { ID: 'string', DateTime: 'string', HexColor: 'string' },
        strictScalars: true,
        enumsAsTypes: true,
        useTypeImports: true,
      },
    },
  },
} satisfies CodegenConfig;

export default config;
