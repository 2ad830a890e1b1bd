// Makes elements. Text of the process (names, peers, frames of stacks) becomes
// text nodes, never markup.

// element('td', {class: 'number'}, '12', child, ...)
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}
