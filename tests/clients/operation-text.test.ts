import { describe, expect, it } from 'vitest';
import { declaresVariable, isSubscription } from '../../src/client/operation.js';

describe('what the resuming client sees in the text of an operation', () => {
  it.each([
    ['subscription { likes }'],
    ['# query { no }\nsubscription Likes($id: ID! = "}", $o: O = { a: [1] }) @live { likes(id: $id) { count } }'],
    ['fragment subscription on Likes { count } subscription Likes { likes { ...subscription } }'],
    ['"""query {"""\nsubscription Likes { likes(note: """ } \\""" { """) { count } }'],
  ])('finds a subscription in %s', (query) => {
    expect(isSubscription(query)).toBe(true);
  });

  it.each([
    ['{ subscription { count } }'],
    ['query subscription { likes }'],
    ['mutation @subscription { like { subscription } subscription }'],
    ['fragment subscription on Likes { count } query { a }'],
    ['# subscription { a }\n{ a(note: "subscription {") }'],
    [''],
  ])('finds none in %s', (query) => {
    expect(isSubscription(query)).toBe(false);
  });

  it('goes by the name of the operation, where there are several', () => {
    const query = 'query Now { a } subscription Live { b } subscription($id: ID) { c }';
    expect([isSubscription(query, 'Now'), isSubscription(query, 'Live'), isSubscription(query, null)]).toEqual([false, true, true]);
  });

  it.each([
    ['subscription ($after: String) { a(after: $after) }', true],
    ['subscription ($id: ID!, $after : String) { a }', true],
    ['subscription ($afterwards: String) { a(after: $afterwards) }', false],
    ['subscription { a(after: $after, note: "$after: String") } # $after: String', false],
    ['subscription ($o: O) { a(o: { b: $after c: 1 }) }', false],
  ])('sees whether %s declares $after', (query, declared) => {
    expect(declaresVariable(query, 'after')).toBe(declared);
  });
});
