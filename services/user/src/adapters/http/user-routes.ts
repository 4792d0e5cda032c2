import { EmailAddress, ShortText } from '@warren/contracts';
import { get, post, put, routesAbout, strictObject } from '@warren/http';
import { type Context, historyRoute } from '@warren/service';
import { changeEmail, deactivateUser } from '../../application/change-user.ts';
import { registerUser } from '../../application/register-user.ts';
import { UserView, users } from '../../application/user-view.ts';
import { notFound, user } from '../../domain/user.ts';

const answer = UserView;
const location = ({ id }: UserView) => `/users/${id}`;

/** The HTTP API of the user service: see docs/api.md for examples. */
export const userRoutes = routesAbout<Context>({ missing: notFound }, [
  post(
    '/users',
    { body: strictObject({ email: EmailAddress, name: ShortText }), idempotent: true, answer, location },
    registerUser,
  ),
  get('/users/:id', { answer }, ({ store }: Context, { id }) => store.get(users, id)),
  put('/users/:id/email', { body: strictObject({ email: EmailAddress }), answer }, changeEmail),
  post('/users/:id/deactivate', { body: strictObject({}), answer }, deactivateUser),
  historyRoute('/users/:id/events', user, notFound),
]);
