import { describe, expect, test } from '@jest/globals';
import { given } from '@warren/testing';
import { emailKeyOf } from '../src/domain/email-key.ts';
import { type User, type UserCommand, type UserEvent, user } from '../src/domain/user.ts';

const userId = '0192d3a0-0000-7000-8000-000000000001';
const [email, newEmail] = ['john@example.com', 'john.doe@example.com'];
const registerUser: UserCommand = { type: 'RegisterUser', data: { userId, email, name: 'John Doe' } };
const changeEmail: UserCommand = { type: 'ChangeEmail', data: { userId, email: newEmail } };
const deactivateUser: UserCommand = { type: 'DeactivateUser', data: { userId } };

const registered: UserEvent = { type: 'UserRegistered', data: { userId, email, name: 'John Doe' } };
const emailChanged: UserEvent = { type: 'UserEmailChanged', data: { userId, email: newEmail, previousEmail: email } };
const deactivated: UserEvent = { type: 'UserDeactivated', data: { userId } };

describe('a user that does not exist', () => {
  test('when it registers, then it is registered', () => {
    given(user).when(registerUser).then([registered]);
  });

  test('when it is asked anything else, then that is an error', () => {
    given(user).when(changeEmail).thenThrows('USER_NOT_FOUND');
    given(user).when(deactivateUser).thenThrows('USER_NOT_FOUND');
  });
});

describe('an active user', () => {
  test('when it registers once more, then nothing happens', () => {
    given(user, registered).when(registerUser).thenNothingHappened('the user already exists');
  });

  test('when its e-mail address changes, then the event tells the one before', () => {
    given(user, registered).when(changeEmail).then([emailChanged]);
    given(user, registered, emailChanged)
      .when({ type: 'ChangeEmail', data: { userId, email } })
      .then([{ type: 'UserEmailChanged', data: { userId, email, previousEmail: newEmail } }]);
  });

  test('when the address is the same, then nothing happens; when only its capitals change, then they do', () => {
    given(user, registered, emailChanged).when(changeEmail).thenNothingHappened('the user already has this address');
    given(user, registered)
      .when({ type: 'ChangeEmail', data: { userId, email: 'John@example.com' } })
      .then([{ type: 'UserEmailChanged', data: { userId, email: 'John@example.com', previousEmail: email } }]);
  });

  test('when it is deactivated, then it is', () => {
    given(user, registered, emailChanged).when(deactivateUser).then([deactivated]);
  });
});

describe('a deactivated user', () => {
  const history = [registered, deactivated];

  test('when it is deactivated or registers once more, then nothing happens', () => {
    given(user, ...history)
      .when(deactivateUser)
      .thenNothingHappened('the user is already deactivated');
    given(user, ...history)
      .when(registerUser)
      .thenNothingHappened('the user already exists');
  });

  test('when its e-mail address is to change, then it is too late', () => {
    given(user, ...history)
      .when(changeEmail)
      .thenThrows('USER_DEACTIVATED');
    given(user, ...history)
      .when({ type: 'ChangeEmail', data: { userId, email } })
      .thenThrows('USER_DEACTIVATED');
  });
});

describe('the key of an e-mail address', () => {
  test('when two addresses differ in capitals only, then they are the same; dots and tags make others', () => {
    expect(emailKeyOf('John.Doe@Example.COM')).toBe(emailKeyOf('john.doe@example.com'));
    const others = ['johndoe@example.com', 'john.doe+x@example.com', 'john.doe@example.co'].map(emailKeyOf);
    expect(others).not.toContain(emailKeyOf('john.doe@example.com'));
  });
});

describe('an e-mail address', () => {
  const other = '0192d3a0-0000-7000-8000-000000000002';
  const history = given(user, registered);

  test('when another user holds it, in whatever case, then it is taken', () => {
    given(user)
      .sharing({ [email]: other })
      .when(registerUser)
      .thenThrows('EMAIL_TAKEN');
    history
      .sharing({ [email]: userId, [newEmail]: other })
      .when(changeEmail)
      .thenThrows('EMAIL_TAKEN');
    const shouted: UserCommand = { type: 'ChangeEmail', data: { userId, email: newEmail.toUpperCase() } };
    history
      .sharing({ [newEmail]: other })
      .when(shouted)
      .thenThrows('EMAIL_TAKEN');
  });

  test('when the user itself holds it, then only its capitals change', () => {
    const capital: UserCommand = { type: 'ChangeEmail', data: { userId, email: 'John@example.com' } };
    history
      .sharing({ [email]: userId })
      .when(capital)
      .then([{ type: 'UserEmailChanged', data: { userId, email: 'John@example.com', previousEmail: email } }]);
  });

  test('when a command is about addresses, then these are locked, and that of the user', () => {
    const active = { status: 'active', email: 'Old@example.com' } as const;
    const keys = (command: UserCommand) => user.shared?.keysOf(command, active);
    expect(keys(changeEmail)).toEqual([newEmail, 'old@example.com']);
    expect(keys(deactivateUser)).toEqual(['old@example.com']);
    expect(user.shared?.keysOf(registerUser, { status: 'none' })).toEqual([email]);
  });

  test('when an event says so, then it changes hands', () => {
    const active = { status: 'active', email } as const;
    const changes = (event: UserEvent, state: User = active) => user.shared?.changes(event, state, new Map());
    expect(changes(registered, { status: 'none' })).toEqual([[email, userId]]);
    expect(changes(emailChanged)).toEqual([
      [email, undefined],
      [newEmail, userId],
    ]);
    expect(changes(deactivated)).toEqual([[email, undefined]]);
  });
});
