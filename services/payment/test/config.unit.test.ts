import { describe, expect, it } from '@jest/globals';
import { loadSettings } from '@warren/kernel';
import { paymentSettings } from '../src/settings.ts';

const load = (gateway: string) => loadSettings(paymentSettings, { PAYMENT_GATEWAY_URL: gateway }).gatewayUrl;

describe('the settings of the payment service', () => {
  it.each(['simulator', 'https://gateway.example/v1'])('when the gateway is %s, then that is taken', (gateway) => {
    expect(load(gateway)).toBe(gateway);
  });

  it.each([
    'https://me:secret@gateway.example',
    'https://gateway.example/?key=1',
    'https://gateway.example/#a',
    'https://gateway.example/v1?',
    'https://gateway.example/v1#',
    'ftp://a',
  ])('when the gateway is %s, then nothing starts, and no password is shown', (gateway) => {
    expect(() => load(gateway)).toThrow('PAYMENT_GATEWAY_URL must');
    expect(() => load(gateway)).not.toThrow('secret');
  });
});
