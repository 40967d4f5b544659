/** Values that come one after another and are waited for one after another. */
export class Arrivals {
  #values = [];
  #waiting = [];
  #failure;

  push(value) {
    const next = this.#waiting.shift();
    if (next) next.resolve(value);
    else this.#values.push(value);
  }

  fail(failure) {
    this.#failure ??= failure instanceof Error ? failure : new Error(JSON.stringify(failure));
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }

  next() {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#values.length) return Promise.resolve(this.#values.shift());
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }
}
