import { defineConfig, globalIgnores } from 'eslint/config';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';
import { builtSql } from './scripts/built-sql.js';

const noFocusedTests = {
  selector: 'MemberExpression[property.name=/^(only|todo)$/]',
  message: 'A focused test keeps the others from running.',
};

const timeFromClock = 'Time comes from the Clock of the context (src/clock.ts), so that a test can set it.';
const settingsFromConfig = 'Settings come from the Config, which main.ts reads once.';
const guardedStorage = 'A browser may refuse it: use browserStorage or tabStorage of api/storage.ts.';

export default defineConfig(
  globalIgnores([
    'dist/',
    'dist-pack/',
    'src/db/generated/',
    'tests/generated/',
    'web/src/gql/',
    'web/public/',
    '.data/',
    '.artifacts/',
    'coverage/',
  ]),
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
  },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // Beyond the preset.
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/require-array-sort-compare': ['error', { ignoreStringArrays: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // It follows types that refer to themselves, such as graphql's, until its stack overflows.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      eqeqeq: 'error',
      'no-constructor-return': 'error',
      'no-self-compare': 'error',
      'no-template-curly-in-string': 'error',
      'no-unreachable-loop': 'error',
      'no-unsafe-finally': 'error',

      // `() => stop()` hands on a void, and `(code) => void close(code)` says that a result is not wanted.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      // Libraries such as Pothos and vitest are extended by declaring into their namespaces.
      '@typescript-eslint/no-namespace': ['error', { allowDeclarations: true }],
      // Characters are counted as code points.
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
      // `{ http: _, ...rest }` leaves one out.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      // What a source failed with is handed on as it is.
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true }],
      // An async function rejects where another would throw: what an interface promises, with or without something to wait for.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: timeFromClock },
        { object: 'process', property: 'env', message: settingsFromConfig },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: timeFromClock },
        ...builtSql,
      ],
    },
  },
  {
    files: ['scripts/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...builtSql] },
  },
  {
    // The clock itself, the two entry points, and what hands the environment on to a child process.
    files: ['src/clock.ts', 'src/main.ts', 'src/cli/**/*.ts', 'src/db/embedded/binaries.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['src/main.ts', 'src/cli/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['web/src/**/*.{ts,tsx}'],
    extends: [reactHooks.configs.flat['recommended-latest']],
    rules: {
      'no-console': 'error',
      'no-restricted-globals': ['error', ...['localStorage', 'sessionStorage'].map((name) => ({ name, message: guardedStorage }))],
    },
  },
  {
    files: ['web/src/api/storage.ts'],
    rules: { 'no-restricted-globals': 'off' },
  },
  {
    files: ['tests/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', noFocusedTests],
      'no-restricted-imports': [
        'error',
        { name: 'fast-check', message: 'Take it from kit/cases.ts, which takes the same cases each time.' },
      ],
      // `expect.any` and its like are `any`.
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
  {
    files: ['tests/kit/cases.ts'],
    rules: { 'no-restricted-imports': 'off' },
  },
);
