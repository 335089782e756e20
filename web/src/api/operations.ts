import { graphql } from '../gql/gql.js';

export const RefreshSession = graphql(`
  mutation RefreshSession($refreshToken: String) {
    refreshSession(input: { refreshToken: $refreshToken }) {
      credentials {
        accessToken
        accessTokenExpiresAt
        refreshToken
      }
      user {
        id
      }
    }
  }
`);

/** What every page asks by and by, without asking for it. */
export const operations = [RefreshSession] as const;
