import type { FrameworksQuery, MineQuery, SetLanguageMutationVariables } from './generated/graphql';

// Types are narrow: each line fails to compile where a scalar is `any`.
type IsAny<T> = 0 extends 1 & T ? true : false;
const available: IsAny<NonNullable<NonNullable<MineQuery['viewer']>['wallet']>['available']> = false;
const name: FrameworksQuery['frameworks']['edges'][number]['node']['name'] = 'x';
const variables: SetLanguageMutationVariables = { input: { language: 'FR' } };
// @ts-expect-error There is no such language.
const wrong: SetLanguageMutationVariables = { input: { language: 'KLINGON' } };
export default [available, name, variables, wrong];
