import { describe, expect, it } from 'vitest';
import { addressProblem, isPublicAddress } from './webhook-address.ts';

describe('an address for webhooks', () => {
  it.each([
    'https://lender.example/hooks',
    'https://lender.example:8443/a?b=c',
    'https://93.184.216.34/',
    'https://[2606:2800:220:1::1]/',
  ])('%s is taken', (url) => {
    expect(addressProblem(url, false)).toBe(null);
  });

  it.each([
    'http://lender.example/',
    'ftp://lender.example/',
    'https://user:word@lender.example/',
    'https://lender.example/#a',
    'https://10.1.2.3/',
    'https://172.31.255.255/',
    'https://192.168.0.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://100.64.0.1/',
    'https://0.0.0.0/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://[fe80::1]/',
    'https://[fd00::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[64:ff9b::a00:1]/',
    'https://[2002:a00:1::]/',
    'http://127.0.0.1/',
    'https://localhost/',
    'nonsense',
  ])('%s is refused', (url) => {
    expect(addressProblem(url, false)).not.toBe(null);
  });

  it('may be on this machine where the registry itself is', () => {
    expect(addressProblem('http://127.0.0.1:9000/', true)).toBe(null);
    expect(addressProblem('http://[::1]:9000/', true)).toBe(null);
    expect(addressProblem('http://10.0.0.1/', true)).not.toBe(null);
    expect(addressProblem('https://10.0.0.1/', true)).not.toBe(null);
  });

  it('is judged again by what its name resolves to', () => {
    expect(['8.8.8.8', '2606:4700::1111'].every(isPublicAddress)).toBe(true);
    expect(
      ['127.0.0.1', '10.0.0.1', '::1', '::ffff:8.8.8.8', 'fd00::1', 'x'].some(isPublicAddress),
    ).toBe(false);
  });
});
