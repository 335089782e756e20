import { graphql } from '../../gql/gql.js';

export const EstimatePassword = graphql(`
  mutation EstimatePassword($input: EstimatePasswordInput!) {
    estimatePassword(input: $input) {
      score
      isStrongEnough
      weakness
    }
  }
`);

export const operations = [EstimatePassword] as const;
