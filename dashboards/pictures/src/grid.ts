// Where panels stand: Grafana's grid of 24 columns.
import { PanelModel } from './picture';

const COLUMNS = 24;
const ROW_HEIGHT = 30;
const GAP = 8;

export interface Place {
  panel: PanelModel;
  left: number;
  top: number;
  width: number;
  height: number;
}

function place(
  panel: PanelModel,
  x: number,
  y: number,
  pictureWidth: number,
): Place {
  const column = (pictureWidth - GAP) / COLUMNS;
  const { w, h } = panel.gridPos;
  return {
    panel,
    left: GAP + x * column,
    top: GAP + y * (ROW_HEIGHT + GAP),
    width: w * column - GAP,
    height: h * (ROW_HEIGHT + GAP) - GAP,
  };
}

/** Each where the dashboard has it. */
export function asOnDashboard(panels: PanelModel[], width: number): Place[] {
  return panels.map((panel) =>
    place(panel, panel.gridPos.x, panel.gridPos.y, width),
  );
}

/** The panels named, one after the other, in rows of up to 24 columns. */
export function inOrder(
  panels: PanelModel[],
  titles: string[],
  width: number,
): Place[] {
  const places: Place[] = [];
  let x = 0;
  let y = 0;
  let rowHeight = 0;
  for (const title of titles) {
    const panel = panels.find((each) => each.title === title);
    if (panel === undefined) throw new Error(`there is no panel '${title}'`);
    if (x + panel.gridPos.w > COLUMNS) {
      x = 0;
      y += rowHeight;
      rowHeight = 0;
    }
    places.push(place(panel, x, y, width));
    x += panel.gridPos.w;
    rowHeight = Math.max(rowHeight, panel.gridPos.h);
  }
  return places;
}

export function heightOf(places: Place[]): number {
  return GAP + Math.max(...places.map(({ top, height }) => top + height));
}
