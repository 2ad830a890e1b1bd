// The page that a headless browser takes a picture of. It draws what
// `window.picture` says, and then sets `window.drawn` to what it saw.
import {
  createTheme,
  DataFrame,
  dateTime,
  EventBusSrv,
  GrafanaTheme2,
  ThemeContext,
  TimeRange,
} from '@grafana/data';
import { GlobalStyles, PanelContextProvider } from '@grafana/ui';
import { Component, ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { dress } from './fields';
import { asOnDashboard, heightOf, inOrder, Place } from './grid';
import { Panel } from './panel';
import { Picture } from './picture';
import { framesOf } from './prometheus';

interface Drawn {
  errors: string[];
  /** The titles of panels whose queries had no answer. */
  empty: string[];
}

declare global {
  interface Window {
    picture: Picture;
    drawn?: Drawn;
  }
}

const drawn: Drawn = { errors: [], empty: [] };

class Guard extends Component<{ title: string; children: ReactNode }> {
  override state = { failed: false };
  static getDerivedStateFromError() {
    return { failed: true };
  }
  override componentDidCatch(error: Error) {
    drawn.errors.push(`${this.props.title}: ${error.stack}`);
  }
  override render() {
    return this.state.failed ? null : this.props.children;
  }
}

interface Filled {
  place: Place;
  frames: DataFrame[];
}

async function fill(
  place: Place,
  picture: Picture,
  theme: GrafanaTheme2,
): Promise<Filled> {
  const { panel } = place;
  try {
    const frames = await framesOf(panel, picture);
    if (panel.targets?.length && frames.length === 0) {
      drawn.empty.push(panel.title);
    }
    return { place, frames: await dress(panel, frames, theme) };
  } catch (error) {
    drawn.errors.push(`${panel.title}: ${error}`);
    return { place, frames: [] };
  }
}

function Sheet({ filled, picture, theme }: {
  filled: Filled[];
  picture: Picture;
  theme: GrafanaTheme2;
}) {
  const [from, to] = [picture.from, picture.to].map((s) => dateTime(s * 1000));
  const timeRange: TimeRange = {
    from: from!,
    to: to!,
    raw: { from: from!, to: to! },
  };
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <PanelContextProvider
        value={{ eventBus: new EventBusSrv(), eventsScope: 'picture' }}
      >
        <div
          id="sheet"
          style={{
            position: 'relative',
            width: picture.width,
            height: heightOf(filled.map(({ place }) => place)),
            background: theme.colors.background.canvas,
          }}
        >
          {filled.map(({ place, frames }) => (
            <div
              key={place.panel.id}
              style={{ position: 'absolute', left: place.left, top: place.top }}
            >
              <Guard title={place.panel.title}>
                <Panel
                  panel={place.panel}
                  frames={frames}
                  theme={theme}
                  timeRange={timeRange}
                  width={place.width}
                  height={place.height}
                />
              </Guard>
            </div>
          ))}
        </div>
      </PanelContextProvider>
    </ThemeContext.Provider>
  );
}

function nextFrame(): Promise<unknown> {
  return new Promise((resolve) => requestAnimationFrame(resolve));
}

async function draw(picture: Picture) {
  const theme = createTheme({ colors: { mode: picture.theme } });
  const { panels } = picture.dashboard;
  const places =
    picture.panels === undefined
      ? asOnDashboard(panels, picture.width)
      : inOrder(panels, picture.panels, picture.width);
  const filled = await Promise.all(
    places.map((place) => fill(place, picture, theme)),
  );
  createRoot(document.getElementById('root')!).render(
    <Sheet {...{ filled, picture, theme }} />,
  );
  // Charts measure themselves once they are in the page, and then draw.
  await document.fonts.ready;
  for (let frame = 0; frame < 10; ++frame) await nextFrame();
}

draw(window.picture)
  .catch((error) => drawn.errors.push(String(error.stack ?? error)))
  .finally(() => (window.drawn = drawn));
