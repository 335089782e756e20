import type { CodegenConfig } from '@graphql-codegen/cli';
import web from './web/codegen.js';

const types = {
  // As JSON carries them.
  scalars: { ID: 'string', DateTime: 'string', HexColor: 'string' },
  strictScalars: true,
  enumsAsTypes: true,
  useTypeImports: true,
};

/** Typed documents for the operations of the web client and of the tests. */
const config = {
  schema: 'schema.graphql',
  importExtension: '.js',
  generates: {
    ...web.generates,
    /** For Apollo Client and urql, which take parsed documents. */
    'tests/generated/': {
      documents: ['tests/clients/operations.ts'],
      preset: 'client',
      config: types,
    },
    /** For the tests' own client, which sends texts. */
    'tests/generated/texts/': {
      documents: [
        'tests/**/*.ts',
        '!tests/{bench,chaos,generated}/**',
        '!tests/clients/{operations,persisted.test}.ts',
        '!tests/contracts/codegen.test.ts',
      ],
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: { ...types, documentMode: 'string' },
    },
  },
} satisfies CodegenConfig;

export default config;
