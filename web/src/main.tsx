// SPDX-License-Identifier: Apache-2.0
import { render } from 'preact';
import { App } from './app';
import { followLinks } from './lib/router';
import { resume } from './lib/session';
import { startTheme } from './lib/theme';
import './style.css';
import './pages.css';

startTheme();
followLinks();
render(<App />, document.getElementById('app') as HTMLElement);
void resume();
