// The planes of regions: grey levels of each, from 0 to 255, which add up to at most 255.

const OPACITY = 0.6;  // of a region over the photo
const SOLID = 128;  // as in nst_tf/page/drawings.py
const LEAST_SHARE = 1e-3;

const [GREY, OPAQUE] = new Uint32Array(new Uint8Array([1, 1, 1, 0, 0, 0, 0, 255]).buffer);

const within = (value, low, high) => Math.min(Math.max(value, low), high);

window.RegionPlanes = class {
  constructor(width, height, levels = []) {
    Object.assign(this, {width, height, levels});
  }

  copy() { return new RegionPlanes(this.width, this.height, this.levels.map((one) => one?.slice())); }

  plane(region) { return this.levels[region] ??= new Uint8Array(this.width * this.height); }

  // The regions on which something is painted.
  get used() {
    const least = 255 * LEAST_SHARE * this.width * this.height;
    return [...this.levels.keys()].filter((region) => {
      const plane = this.levels[region];
      return plane && (plane.some((level) => level >= SOLID) || plane.reduce((sum, level) => sum + level, 0) >= least);
    });
  }

  // Give a pixel to a region; null takes it from all. The others keep the room that is left.
  set(place, region, level) {
    let own = level;
    if (region !== null) {
      const plane = this.plane(region);
      own = plane[place] = Math.max(plane[place], level);
    }
    let others = 0;
    this.levels.forEach((plane, index) => { if (index !== region) others += plane[place]; });
    const room = 255 - own;
    if (others <= room) return;
    this.levels.forEach((plane, index) => {
      if (index !== region) plane[place] = Math.floor(plane[place] * room / others);
    });
  }

  // Paint the pixels near a line, and return the box that has changed.
  stroke(region, [x0, y0], [x1, y1], radius) {
    const [right, down] = [x1 - x0, y1 - y0];
    const squared = right * right + down * down;
    const reach = radius + 1;
    const left = Math.floor(within(Math.min(x0, x1) - reach, 0, this.width));
    const top = Math.floor(within(Math.min(y0, y1) - reach, 0, this.height));
    const end = Math.ceil(within(Math.max(x0, x1) + reach, 0, this.width));
    const bottom = Math.ceil(within(Math.max(y0, y1) + reach, 0, this.height));
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < end; x++) {
        const along = squared && within(((x - x0) * right + (y - y0) * down) / squared, 0, 1);
        const apart = Math.hypot(x - x0 - along * right, y - y0 - along * down);
        const level = Math.round(255 * within(radius - apart + 0.5, 0, 1));
        if (level) this.set(y * this.width + x, region, level);
      }
    }
    return [left, top, end - left, bottom - top];
  }

  // Replace a region by a mask.
  replace(region, mask) {
    this.plane(region).fill(0);
    mask.forEach((level, place) => { if (level) this.set(place, region, level); });
  }

  // Draw a box of the regions in their colours.
  draw(context, colors, [left, top, width, height] = [0, 0, this.width, this.height]) {
    if (width <= 0 || height <= 0) return;
    const image = context.createImageData(width, height);
    const painted = [...this.levels.entries()].filter(([, plane]) => plane);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const place = (top + y) * this.width + left + x;
        const pixel = 4 * (y * width + x);
        let total = 0;
        for (const [, plane] of painted) total += plane[place];
        if (!total) continue;
        for (const [region, plane] of painted) {
          const share = plane[place] / total;
          for (let channel = 0; channel < 3; channel++) {
            image.data[pixel + channel] += share * colors[region][channel];
          }
        }
        image.data[pixel + 3] = OPACITY * Math.min(total, 255);
      }
    }
    context.putImageData(image, left, top);
  }

  // Return the planes as a PNG file, one below the other.
  async file() {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, {width: this.width, height: this.height * this.levels.length});
    const context = canvas.getContext('2d');
    this.levels.forEach((plane, region) => {
      const image = context.createImageData(this.width, this.height);
      const pixels = new Uint32Array(image.data.buffer);  // opaque greys, in either byte order
      plane.forEach((level, place) => { pixels[place] = OPAQUE | level * GREY; });
      context.putImageData(image, 0, region * this.height);
    });
    return new Promise((done) => { canvas.toBlob(done, 'image/png'); });
  }

  // Return the planes of such a file for a photo.
  static async of(source, width, height) {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = document.createElement('canvas');
    Object.assign(canvas, {width, height: image.naturalHeight});
    const context = canvas.getContext('2d', {willReadFrequently: true});
    context.drawImage(image, 0, 0);
    const levels = [];
    for (let top = 0; top < image.naturalHeight; top += height) {
      const {data} = context.getImageData(0, top, width, height);
      levels.push(Uint8Array.from({length: width * height}, (_, place) => data[4 * place]));
    }
    return new RegionPlanes(width, height, levels);
  }
};
