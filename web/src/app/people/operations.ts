import { graphql } from '../../gql/gql.js';

/** Somebody in a list of people. */
export const PersonLine = graphql(`
  fragment PersonLine on User {
    id
    username
    displayName
    bio
    presence {
      id
      status
    }
  }
`);

/** Who of the people on a page is here, by one subscription. */
export const PeoplePresence = graphql(`
  subscription PeoplePresence($userIds: [ID!]!) {
    presenceChanged(of: { userIds: $userIds }) {
      id
      status
      lastSeenAt
      version
    }
  }
`);

export const operations = [PeoplePresence] as const;
