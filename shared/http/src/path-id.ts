import { type AppError, isId } from '@warren/kernel';

/**
 * The id that the `:id` of a path names, in lower case.
 * @throws what `notFound` gives when it is no UUID: nothing has such an id.
 */
export function pathIdOf(
  { params }: { params: Record<string, string | string[] | undefined> },
  notFound: () => AppError,
): string {
  if (isId(params.id)) return params.id.toLowerCase();
  throw notFound();
}
