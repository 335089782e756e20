import { graphql } from '../../gql/gql.js';

/** Somebody in a list of people. */
export const PersonLine = graphql(`
  fragment PersonLine on User {
    id
    username
    displayName
    isDeleted
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
      user {
        id
        displayName
        isDeleted
      }
      status
      lastSeenAt
      version
    }
  }
`);

/** Whose name fits what is typed, such as after `@`. */
export const FindPeople = graphql(`
  query FindPeople($search: String!, $first: Int!) {
    users(search: $search, first: $first) {
      nodes {
        id
        username
        displayName
      }
    }
  }
`);

/** Who likes a post or an entry. */
export const Likers = graphql(`
  query Likers($id: ID!, $after: String) {
    node(id: $id) {
      id
      ... on Post {
        likers(first: 30, after: $after) {
          nodes {
            id
            ...PersonLine
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
      ... on Entry {
        likers(first: 30, after: $after) {
          nodes {
            id
            ...PersonLine
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  }
`);

/** What is asked wherever there are people. */
export const operations = [PeoplePresence, FindPeople, Likers] as const;
