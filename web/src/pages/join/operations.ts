import { graphql } from '../../gql/gql.js';

export const RoomOfCode = graphql(`
  query RoomOfCode($code: String!) {
    room(code: $code) {
      id
      title
      hasPasscode
      memberCount
      archivedAt
    }
  }
`);

export const JoinRoom = graphql(`
  mutation JoinRoom($input: JoinRoomInput!) {
    joinRoom(input: $input) {
      conversation {
        id
        title
        joinCode
      }
    }
  }
`);

export const CreateRoom = graphql(`
  mutation CreateRoom($input: CreateRoomInput!) {
    createRoom(input: $input) {
      conversation {
        id
        title
        joinCode
      }
    }
  }
`);

export const EnterAsGuest = graphql(`
  mutation EnterAsGuest($input: JoinAsGuestInput!) {
    joinAsGuest(input: $input) {
      credentials {
        accessToken
        accessTokenExpiresAt
        refreshToken
        deviceToken
      }
      user {
        id
      }
    }
  }
`);

export const operations = [EnterAsGuest, RoomOfCode, JoinRoom, CreateRoom] as const;
