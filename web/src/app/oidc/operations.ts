import { graphql } from '../../gql/gql.js';

export const Issuers = graphql(`
  query Issuers {
    oidcIssuers {
      name
      label
    }
  }
`);

export const StartOidc = graphql(`
  mutation StartOidc($input: StartOidcInput!) {
    startOidc(input: $input) {
      url
      state
      secret
      expiresAt
    }
  }
`);

export const operations = [Issuers, StartOidc] as const;
