import { type AppError, isId } from '@warren/kernel';

/**
 * Returns the `:id` of a path, in lower case.
 * @throws the error from `notFound` when it is not a UUID, since no resource has such an id.
 */
export function pathIdOf(
  { params }: { params: Record<string, string | string[] | undefined> },
  notFound: () => AppError,
): string {
  if (isId(params.id)) return params.id.toLowerCase();
  throw notFound();
}
