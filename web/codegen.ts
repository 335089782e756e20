import type { CodegenConfig } from '@graphql-codegen/cli';

/** Typed documents for the operations of the client: `npm run codegen`, which each build runs too. */
const config = {
  schema: 'schema.graphql',
  importExtension: '.js',
  generates: {
    'web/src/gql/': {
      documents: ['web/src/**/*.{ts,tsx}', '!web/src/gql/**'],
      preset: 'client',
      presetConfig: { fragmentMasking: { unmaskFunctionName: 'readFragment' } },
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
