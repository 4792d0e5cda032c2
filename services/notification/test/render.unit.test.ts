import { describe, expect, it } from '@jest/globals';
import { placeholdersOf, renderHtml, renderText } from '../src/adapters/templates/render.ts';

describe('a template', () => {
  it('when it has placeholders, then each is named once, and values take their places', () => {
    const template = 'Hello {{name}}, {{ name }} {{orderId}} {{name}}';
    expect(placeholdersOf(template)).toEqual(['name', 'orderId']);
    expect(renderText(template, { name: 'Ann', orderId: '7' })).toBe('Hello Ann, {{ name }} 7 Ann');
  });

  it('when a value holds markup, then HTML shows it as text, also in an attribute, and text has it as it is', () => {
    const values = { name: `<script>alert("x")</script> & 'co'` };
    const html = renderHtml('<p title="{{name}}">{{name}}</p>', values);
    const shown = '&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;co&#39;';
    expect(html).toBe(`<p title="${shown}">${shown}</p>`);
    expect(renderText('{{name}}', values)).toBe(values.name);
  });

  it('when a value looks like a placeholder or a replacement pattern, then it stays what it is', () => {
    const values = { name: '{{orderId}} $& $1', orderId: '7' };
    expect(renderText('{{name}}/{{orderId}}', values)).toBe('{{orderId}} $& $1/7');
    expect(renderHtml('{{name}}/{{orderId}}', values)).toBe('{{orderId}} $&amp; $1/7');
  });
});
